-- Spreads contactd over several Postgres servers with Citus (12 or newer). Run it once, on the coordinator, in the
-- database that `contactd migrate` has made, while contactd is stopped:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus.sql
--
-- It may run on a single node: the coordinator then holds every shard, and servers are added later with
-- citus_add_node and citus_rebalance_start. `tests/sharding.rs` compares this file with the schema and the statements.

-- The coordinator keeps shards too, as long as it is alone.
SELECT citus_set_coordinator_host(coalesce(nullif(current_setting('contactd.coordinator', true), ''), 'localhost'),
                                  current_setting('port')::int);

-- Accounts and what is looked up without knowing whose it is: small, read often, a copy on every server.
SELECT create_reference_table('users');
SELECT create_reference_table('outbox');
SELECT create_reference_table('audit_events');
SELECT create_reference_table('migrations');

-- What belongs to one account: the rows of an owner lie together, on one server. The book comes first, the others lie
-- with it.
SELECT create_distributed_table('address_books', 'owner');
SELECT create_distributed_table('contacts', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('history', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('former_names', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('calendars', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('dismissals', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('uploads', 'owner', colocate_with => 'address_books');
SELECT create_distributed_table('sessions', 'user_id', colocate_with => 'address_books');
SELECT create_distributed_table('app_passwords', 'user_id', colocate_with => 'address_books');
SELECT create_distributed_table('totp', 'user_id', colocate_with => 'address_books');
SELECT create_distributed_table('mail_tokens', 'user_id', colocate_with => 'address_books');
SELECT create_distributed_table('avatars', 'user_id', colocate_with => 'address_books');
