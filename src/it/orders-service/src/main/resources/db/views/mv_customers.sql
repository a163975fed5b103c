-- One row per customer: how many orders, and what they are worth.
CREATE MATERIALIZED VIEW mv_customers AS
SELECT
  o.customer,
  count(*)::integer AS orders,
  sum(o.amount) AS amount
FROM orders AS o
GROUP BY o.customer;

CREATE UNIQUE INDEX mv_customers_customer_idx ON mv_customers (customer);

COMMENT ON MATERIALIZED VIEW mv_customers IS 'One row per customer: how many orders, and what they are worth.';
