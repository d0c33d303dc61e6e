-- contactd's role and database, once: psql --dbname=postgres --file=database.sql
\set ON_ERROR_STOP on
\getenv password CONTACTD_PASSWORD
SELECT format('CREATE ROLE contactd LOGIN PASSWORD %L', :'password')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'contactd') \gexec
SELECT 'CREATE DATABASE contactd OWNER contactd ENCODING ''UTF8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'contactd') \gexec
