"""Hold a document against its schema, its rules and the code lists; every fault at once, none twice."""
