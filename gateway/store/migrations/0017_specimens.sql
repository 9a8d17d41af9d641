-- Specimen lists as they were imported, and the pictures they speak of. What was imported stays: a certificate is judged
-- by the list that was in force on the day of its issue.

CREATE TABLE specimen_picture (
    sha256     bytea PRIMARY KEY,
    media_type text NOT NULL,
    body       bytea NOT NULL
);

CREATE TABLE specimen_list (
    list_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country     text NOT NULL,
    content     jsonb NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL
);

CREATE TRIGGER specimen_list_stays BEFORE UPDATE OR DELETE ON specimen_list
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER specimen_list_stays_whole BEFORE TRUNCATE ON specimen_list
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
