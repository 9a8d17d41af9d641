-- The page of verification requests, newest first: there are few among all messages.

CREATE INDEX message_of_verification ON message (message_no) WHERE type = 'verification-request';
