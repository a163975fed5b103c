package com.example.orders;

import static com.example.orders.jooq.Tables.MV_CUSTOMERS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.example.orders.jooq.tables.records.MvCustomersRecord;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

class OrdersTest {

  private static EmbeddedPostgres server;

  @BeforeAll
  static void start() throws IOException {
    server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start();
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
  }

  @Test
  void spring_boots_liquibase_deploys_the_view_of_the_service() throws Exception {
    DataSource database = database("with_spring");
    try (ConfigurableApplicationContext context =
        SpringApplication.run(
            OrdersApplication.class,
            "--spring.datasource.url=" + server.getJdbcUrl("postgres", "with_spring"),
            "--spring.datasource.username=postgres",
            "--spring.datasource.password=")) {
      order(database, "Kim", "12.50");

      WipViews views = context.getBean(WipViews.class);
      assertThat(views.refreshAll()).extracting(Refresh::view).containsExactly("mv_customers");
      assertThat(context.getBean(Customers.class).all())
          .extracting(MvCustomersRecord::getCustomer, MvCustomersRecord::getOrders)
          .containsExactly(tuple("Kim", 1));
    }
  }

  @Test
  void without_a_framework_it_is_deployed_recovered_and_taken_away() throws Exception {
    DataSource database = database("plain");
    Customers customers = PlainOrders.start(database);
    WipViews views = WipViews.of(database);
    assertThat(customers.all()).isEmpty();

    order(database, "Kim", "12.50");
    order(database, "Kim", "7.50");
    assertThat(views.refresh(MV_CUSTOMERS).rows()).isEqualTo(1);
    assertThat(customers.all().get(0).getAmount()).isEqualByComparingTo(new BigDecimal("20"));

    execute(database, "DROP MATERIALIZED VIEW mv_customers");
    assertThat(views.freshness(MV_CUSTOMERS).state()).isEqualTo(Freshness.State.MISSING);
    PlainOrders.migration(database).recreate(List.of("mv_customers"));
    assertThat(customers.all()).hasSize(1);

    PlainOrders.migration(database).rollback();
    execute(database, "SELECT customer FROM orders");
  }

  private static DataSource database(String name) throws SQLException {
    execute(server.getPostgresDatabase(), "CREATE DATABASE " + name);
    return server.getDatabase("postgres", name);
  }

  private static void order(DataSource database, String customer, String amount)
      throws SQLException {
    execute(
        database,
        "INSERT INTO orders (customer, amount) VALUES ('" + customer + "', " + amount + ")");
  }

  private static void execute(DataSource database, String sql) throws SQLException {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
