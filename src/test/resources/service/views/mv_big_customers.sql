CREATE MATERIALIZED VIEW mv_big_customers AS
SELECT customer
FROM mv_customers
WHERE amount > 100;

CREATE UNIQUE INDEX mv_big_customers_customer_idx ON mv_big_customers (customer);
