"""A gateway that carries electronic Certificates of Origin between customs and issuing authorities.

Read the rooms in the order in which a message walks through them:

    intake       the doors: national API and exchange endpoint; take the bytes in, name the message
    validate     hold the document against its schema, its business rules and the code lists
    translate    turn the form that was handed in into the form the corridor asks for
    trust        seal ours with our key; check the seal of others, step by numbered step
    store        write it in the ledger; from here on we answer for it
    route        say which party it is owed to
    deliver      one lane per party: send, wait, retry, give up
    acknowledge  receipts, acknowledgements and customs responses, theirs and ours
    observe      show people what happened: timeline, metrics, health, logs

``domain`` holds the words all rooms share, ``registry`` the forms, parties and corridors as data.
``identity`` finds out who somebody is, ``console`` shows operators all of it in a browser; ``public`` tells
anybody whether a certificate was issued here and still stands, ``notify`` its subscribers what happens.
``signers`` ask those of our keys that lie in tokens and behind services. ``client`` is for the other side of
the national API and knows nothing else here.
``pipeline`` is the only module that knows the order, with ``preparing`` for what is pure on the way out and
``opening`` on the way in; ``answers`` does the same for what is said about a certificate later. ``rooms`` and
``workers`` are what they use; ``watch`` looks again and again for what a person must act on.
``app`` starts a ``node``, which alone puts the concrete parts together: its ``doors``, its lanes, and how the
parties are ``standing`` with us.
``settings`` reads the environment, ``cli`` is what people type, ``demo`` the whole of it on one machine.
"""
