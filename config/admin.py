from config.console import third_party as third_party
