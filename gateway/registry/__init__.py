"""Forms, mappings, parties and corridors as files, judged as a whole; a faulty registry starts nothing."""
