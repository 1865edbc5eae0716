"""What agreements, bills, lessons, chasing and earnings promise whatever program writes to them."""

from django.db import migrations

SQL = """
ALTER TABLE billing_student ADD CONSTRAINT student_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_taxrate ADD CONSTRAINT tax_rate_code_of_organization
  FOREIGN KEY (tax_code_id, organization_id) REFERENCES billing_taxcode (id, organization_id);
ALTER TABLE billing_billingprofile ADD CONSTRAINT billing_profile_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_agreement
  ADD CONSTRAINT agreement_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT agreement_plan_of_organization FOREIGN KEY (plan_id, organization_id)
    REFERENCES billing_plan (id, organization_id),
  ADD CONSTRAINT agreement_student_of_organization FOREIGN KEY (student_id, organization_id)
    REFERENCES billing_student (id, organization_id),
  ADD CONSTRAINT agreement_provider_of_organization FOREIGN KEY (provider_id, organization_id)
    REFERENCES billing_provider (id, organization_id);
ALTER TABLE billing_agreementpayer ADD CONSTRAINT agreement_payer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_invoice ADD CONSTRAINT invoice_agreement_of_organization
  FOREIGN KEY (agreement_id, organization_id) REFERENCES billing_agreement (id, organization_id);
ALTER TABLE billing_installment ADD CONSTRAINT installment_agreement_of_organization
  FOREIGN KEY (agreement_id, organization_id) REFERENCES billing_agreement (id, organization_id);
ALTER TABLE billing_charge ADD CONSTRAINT charge_agreement_of_organization
  FOREIGN KEY (agreement_id, organization_id) REFERENCES billing_agreement (id, organization_id);
ALTER TABLE billing_billingrunitem
  ADD CONSTRAINT billing_run_item_run_of_organization FOREIGN KEY (run_id, organization_id)
    REFERENCES billing_billingrun (id, organization_id),
  ADD CONSTRAINT billing_run_item_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT billing_run_item_installment_of_organization FOREIGN KEY (installment_id, organization_id)
    REFERENCES billing_installment (id, organization_id);
ALTER TABLE billing_lesson ADD CONSTRAINT lesson_provider_of_organization
  FOREIGN KEY (provider_id, organization_id) REFERENCES billing_provider (id, organization_id);
ALTER TABLE billing_lessonseat
  ADD CONSTRAINT lesson_seat_lesson_of_organization FOREIGN KEY (lesson_id, organization_id)
    REFERENCES billing_lesson (id, organization_id),
  ADD CONSTRAINT lesson_seat_agreement_of_organization FOREIGN KEY (agreement_id, organization_id)
    REFERENCES billing_agreement (id, organization_id);
ALTER TABLE billing_lessoncredit ADD CONSTRAINT lesson_credit_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_policyloan ADD CONSTRAINT policy_loan_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_dunningcase ADD CONSTRAINT dunning_case_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_dunningpause ADD CONSTRAINT dunning_pause_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_debtplan ADD CONSTRAINT debt_plan_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_collectioncase ADD CONSTRAINT collection_case_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_earning ADD CONSTRAINT earning_provider_of_organization
  FOREIGN KEY (provider_id, organization_id) REFERENCES billing_provider (id, organization_id);
ALTER TABLE billing_payout
  ADD CONSTRAINT payout_batch_same_organization FOREIGN KEY (batch_id, organization_id)
    REFERENCES billing_payoutbatch (id, organization_id),
  ADD CONSTRAINT payout_provider_of_organization FOREIGN KEY (provider_id, organization_id)
    REFERENCES billing_provider (id, organization_id);

-- What was billed stays as it was billed; an instalment is never deleted, only cancelled.
CREATE FUNCTION billing_installment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'instalments are never deleted' USING ERRCODE = '23514', CONSTRAINT = 'never_deleted';
  END IF;
  IF (to_jsonb(OLD) - ARRAY['state', 'skipped_because'])
     IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['state', 'skipped_because']) THEN
    RAISE EXCEPTION 'instalment % is billed', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'billed_installment_stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER billed_stays BEFORE UPDATE ON billing_installment FOR EACH ROW
  WHEN (OLD.state = 'billed') EXECUTE FUNCTION billing_installment_stays();
CREATE TRIGGER never_deleted BEFORE DELETE ON billing_installment FOR EACH ROW
  EXECUTE FUNCTION billing_installment_stays();
CREATE TRIGGER never_deleted_whole BEFORE TRUNCATE ON billing_installment FOR EACH STATEMENT
  EXECUTE FUNCTION office_append_only();

-- A bill of a run is what was shown: it may be taken out of a preview that is made anew, never changed.
CREATE FUNCTION billing_run_item_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM billing_billingrun WHERE id = OLD.run_id) IS DISTINCT FROM 'preview' THEN
    RAISE EXCEPTION 'the run of bill % is frozen', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'run_item_stays';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER run_item_stays BEFORE DELETE ON billing_billingrunitem FOR EACH ROW
  EXECUTE FUNCTION billing_run_item_stays();
CREATE FUNCTION billing_run_item_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(OLD) - ARRAY['state', 'reason', 'invoice_id', 'credit_memo_id'])
     IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['state', 'reason', 'invoice_id', 'credit_memo_id']) THEN
    RAISE EXCEPTION 'bill % may not change', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'frozen_column';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER frozen BEFORE UPDATE ON billing_billingrunitem FOR EACH ROW EXECUTE FUNCTION billing_run_item_frozen();

-- Lessons taken of a package, and make-up lessons used, are the sums of their uses, checked at commit.
CREATE FUNCTION billing_package_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_agreement bigint;
BEGIN
  IF TG_TABLE_NAME = 'billing_agreement' THEN of_agreement := NEW.id; ELSE of_agreement := NEW.agreement_id; END IF;
  IF (SELECT package_used FROM billing_agreement WHERE id = of_agreement) <>
     (SELECT coalesce(sum(lessons), 0) FROM billing_packageuse WHERE agreement_id = of_agreement) THEN
    RAISE EXCEPTION 'agreement %: lessons taken are not the sum of their uses', of_agreement
      USING ERRCODE = '23514', CONSTRAINT = 'package_adds_up';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER package_adds_up AFTER INSERT ON billing_packageuse DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION billing_package_adds_up();
CREATE CONSTRAINT TRIGGER package_adds_up AFTER UPDATE ON billing_agreement DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.package_used IS DISTINCT FROM NEW.package_used) EXECUTE FUNCTION billing_package_adds_up();
CREATE CONSTRAINT TRIGGER package_adds_up_new AFTER INSERT ON billing_agreement DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.package_used <> 0) EXECUTE FUNCTION billing_package_adds_up();
CREATE FUNCTION billing_lesson_credit_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_credit bigint;
BEGIN
  IF TG_TABLE_NAME = 'billing_lessoncredit' THEN of_credit := NEW.id; ELSE of_credit := NEW.credit_id; END IF;
  IF (SELECT used FROM billing_lessoncredit WHERE id = of_credit) <>
     (SELECT coalesce(sum(quantity), 0) FROM billing_lessoncredituse WHERE credit_id = of_credit) THEN
    RAISE EXCEPTION 'lesson credit %: used is not the sum of its uses', of_credit
      USING ERRCODE = '23514', CONSTRAINT = 'lesson_credit_adds_up';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER used_adds_up AFTER INSERT ON billing_lessoncredituse DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION billing_lesson_credit_adds_up();
CREATE CONSTRAINT TRIGGER used_adds_up AFTER UPDATE ON billing_lessoncredit DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.used IS DISTINCT FROM NEW.used) EXECUTE FUNCTION billing_lesson_credit_adds_up();
CREATE CONSTRAINT TRIGGER used_adds_up_new AFTER INSERT ON billing_lessoncredit DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.used <> 0) EXECUTE FUNCTION billing_lesson_credit_adds_up();

SELECT office_protect_append_only(t) FROM unnest(ARRAY['billing_taxrate', 'billing_planprice',
  'billing_agreementterms', 'billing_agreementchange', 'billing_attendance', 'billing_lessoncredituse',
  'billing_packageuse', 'billing_policyloanbill', 'billing_dunningstep', 'billing_latefee', 'billing_debtplanpart',
  'billing_debtplan_invoices', 'billing_collectionnote', 'billing_collectioncase_invoices']::regclass[]) AS t;
SELECT office_protect_frozen('billing_agreement', 'plan_id', 'provider_id', 'basis', 'frequency', 'anchor_on', 'ends_on',
  'package_used', 'expires_on', 'backend', 'external_reference', 'collects_itself', 'state', 'state_since', 'note');
SELECT office_protect_frozen('billing_agreementpayer', 'until_on');
SELECT office_protect_frozen('billing_agreementdiscount', 'until_on');
SELECT office_protect_frozen('billing_agreementpause', 'until_on');
SELECT office_protect_frozen('billing_scheduleregeneration', 'looked_at', 'changed', 'last_agreement_id', 'finished_at');
SELECT office_protect_frozen('billing_charge', 'state', 'item_id');
SELECT office_protect_frozen('billing_billingrun', 'state', 'content_hash', 'note', 'approved_at', 'approval_id',
  'finished_at');
SELECT office_protect_frozen('billing_lessoncredit', 'used', 'expired_on', 'withdrawn_on');
SELECT office_protect_frozen('billing_insurancepolicy', 'product', 'insured_name', 'sum_assured', 'lapsed_on',
  'revived_on');
SELECT office_protect_frozen('billing_policyloan', 'repaid_amount', 'interest_until');
SELECT office_protect_frozen('billing_dunningcase', 'state', 'level', 'next_step', 'next_on', 'held_because',
  'settled_on');
SELECT office_protect_frozen('billing_dunningpause', 'until_on', 'lifted_at');
SELECT office_protect_frozen('billing_debtplan', 'state', 'ended_on');
SELECT office_protect_frozen('billing_collectioncase', 'state', 'collector_id', 'agency', 'agency_reference',
  'agency_status', 'closed_on', 'outcome');
SELECT office_protect_frozen('billing_payoutbatch', 'state', 'content_hash', 'approval_id', 'paid_on',
  'bank_reference');
SELECT office_protect_frozen('billing_payout', 'is_cancelled', 'entry_id');
SELECT office_protect_frozen('billing_earning', 'payout_id');

-- Planned instalments follow from terms and rules; each change of them is told by an agreement's change. So they are
-- not in the trail themselves.
SELECT office_audit_table(t) FROM unnest(ARRAY['billing_student', 'billing_provider', 'billing_taxcode',
  'billing_taxrate', 'billing_billingprofile', 'billing_plan', 'billing_planprice', 'billing_planitem',
  'billing_discountrule', 'billing_discountrule_plans', 'billing_agreement', 'billing_agreementterms',
  'billing_agreementpayer', 'billing_agreementdiscount', 'billing_agreementpause', 'billing_agreementchange',
  'billing_scheduleregeneration', 'billing_charge', 'billing_billingrun', 'billing_billingrunitem',
  'billing_lesson', 'billing_lessonseat', 'billing_attendance', 'billing_lessoncredit', 'billing_lessoncredituse',
  'billing_packageuse', 'billing_insurancepolicy', 'billing_policyloan', 'billing_policyloanbill',
  'billing_dunningcase', 'billing_dunningstep', 'billing_dunningpause', 'billing_latefee', 'billing_debtplan',
  'billing_debtplan_invoices', 'billing_debtplanpart', 'billing_collectioncase', 'billing_collectioncase_invoices',
  'billing_collectionnote', 'billing_earning', 'billing_payoutbatch', 'billing_payout']::regclass[]) AS t;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_agreements")]
    operations = [migrations.RunSQL(SQL)]
