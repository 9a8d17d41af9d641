-- Certificates that strangers asked about and that were never issued here, hour by hour; and how far the watch has
-- looked at them.

CREATE TABLE asked_in_vain (
    hour    timestamptz NOT NULL,
    form    text NOT NULL,             -- middle part of a form's name; empty where a code was asked for
    number  text COLLATE "C" NOT NULL,
    times   integer NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, form, number)
);

ALTER TABLE watch_position ADD COLUMN asked_in_vain_at timestamptz NOT NULL DEFAULT '-infinity';
