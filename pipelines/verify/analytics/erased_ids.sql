-- Old ids of erased people by their digests, as long as Kafka has them, and the ids they have since.
SELECT encode(digest, 'hex') AS digest, pseudonym FROM erasures
