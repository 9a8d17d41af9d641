-- A clock that had stopped runs again when what stopped it is taken back: a rejection is followed by an acceptance, a
-- customs response is corrected, a message is released or sent again. The watch reads these rows and takes them away.

CREATE TABLE clock_again (
    message_no bigint NOT NULL,
    since      timestamptz          -- a message is owed again from then on; null where a clock runs on from its start
);

CREATE FUNCTION clocks_of_certificate_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO clock_again (message_no) VALUES (NEW.message_no);
    RETURN NULL;
END $$;

CREATE TRIGGER clocks_again AFTER UPDATE ON certificate FOR EACH ROW
    WHEN (OLD.acknowledgement = 'rejected' AND NEW.acknowledgement IS DISTINCT FROM 'rejected'
          OR OLD.customs_response = 'utilised' AND NEW.customs_response IS DISTINCT FROM 'utilised'
          OR NEW.message_no <> OLD.message_no)
    EXECUTE FUNCTION clocks_of_certificate_again();

CREATE FUNCTION clocks_of_delivery_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO clock_again (message_no, since) VALUES (NEW.message_no, NEW.moved_at);
    RETURN NULL;
END $$;

CREATE TRIGGER clocks_again AFTER UPDATE ON delivery FOR EACH ROW
    WHEN (NEW.open AND NEW.status <> 'on_hold' AND (NOT OLD.open OR OLD.status = 'on_hold'))
    EXECUTE FUNCTION clocks_of_delivery_again();

-- What reports over a range of days read.
CREATE INDEX exception_item_by_time ON exception_item (opened_at);
CREATE INDEX clock_by_warning ON clock (warned_at) WHERE warned_at IS NOT NULL;
CREATE INDEX clock_by_breach ON clock (breached_at) WHERE breached_at IS NOT NULL;

-- A cancellation and a replacement that cross end the same on both sides, whichever comes first there.
INSERT INTO life_transition (from_life, to_life) VALUES ('cancelled', 'replaced');
