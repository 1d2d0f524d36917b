-- The analytical database beside the transactional one; run once, when the volume is empty.
CREATE DATABASE analytics;
\connect analytics
CREATE EXTENSION IF NOT EXISTS timescaledb;
CREATE EXTENSION IF NOT EXISTS vector;
