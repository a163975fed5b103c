CREATE MATERIALIZED VIEW mv_customers AS
SELECT customer, count(*) AS orders, sum(amount) AS amount
FROM orders
GROUP BY customer;

CREATE UNIQUE INDEX mv_customers_customer_idx ON mv_customers (customer);

COMMENT ON MATERIALIZED VIEW mv_customers IS 'What each customer has ordered.';
