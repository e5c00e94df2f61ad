DROP TABLE possible_duplicates;
