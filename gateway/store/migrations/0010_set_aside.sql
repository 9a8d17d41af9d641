-- What waits in a suspended corridor is set aside (due at infinity), so that claims need not pass over it.
CREATE INDEX delivery_set_aside ON delivery (party) WHERE open AND due_at = 'infinity';
