from payments.gateways.zoho.adapter import Gateway

__all__ = ["Gateway"]
