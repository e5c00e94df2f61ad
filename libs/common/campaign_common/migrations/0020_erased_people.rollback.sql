DROP TABLE IF EXISTS reconsented_lists;
DROP TABLE IF EXISTS erased_people_position;
DROP TABLE IF EXISTS erased_people;
