package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.RefreshListener.Notice;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jooq.Table;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;

class RefreshListenerTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static final Table<?> ORDERS = WipViews.view("mv_orders");

  private final WipViews views = WipViews.of(database.dataSource());

  /** Hands what the listener's thread hears to the test. */
  private static final class Heard implements RefreshListener.Handler, AutoCloseable {

    private final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();
    private final RefreshListener listener;
    private volatile boolean failsOnce;

    Heard(DataSource dataSource) {
      listener = RefreshListener.start(dataSource, this);
    }

    @Override
    public void close() {
      listener.close();
    }

    @Override
    public void refreshed(Notice notice) {
      if (failsOnce) {
        failsOnce = false;
        throw new IllegalStateException("a handler that fails");
      }
      queue.add(notice);
    }

    @Override
    public void listening() {
      queue.add("listening");
    }

    private Object next() throws InterruptedException {
      Object next = queue.poll(5, TimeUnit.MINUTES);
      assertThat(next).as("what is heard within 5 minutes").isNotNull();
      return next;
    }
  }

  @Test
  void a_refresh_by_anybody_is_heard() throws Exception {
    try (Heard heard = new Heard(database.dataSource())) {
      assertThat(heard.next()).isEqualTo("listening");

      Refresh refresh = views.refresh(ORDERS);

      assertThat(heard.next())
          .isEqualTo(new Notice("mv_orders", refresh.id(), 6, refresh.startedAt()));
      database.execute("SELECT refresh_wip_view('mv_customers')");
      assertThat(heard.next()).asString().contains("mv_customers");
    }
  }

  @Test
  void a_lost_connection_is_replaced_and_the_consumer_is_told() throws Exception {
    PGSimpleDataSource named = (PGSimpleDataSource) database.dataSource();
    named.setApplicationName("the listener");
    try (Heard heard = new Heard(named)) {
      assertThat(heard.next()).isEqualTo("listening");

      database.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'the"
              + " listener'");

      assertThat(heard.next()).isEqualTo("listening");
      views.refresh(ORDERS);
      assertThat(heard.next()).isInstanceOf(Notice.class);
    }
  }

  @Test
  void foreign_notices_and_a_failing_handler_are_survived() throws Exception {
    try (Heard heard = new Heard(database.dataSource())) {
      assertThat(heard.next()).isEqualTo("listening");
      heard.failsOnce = true;

      database.execute(
          "NOTIFY wip_view_refreshed",
          "NOTIFY wip_view_refreshed, 'not json'",
          "NOTIFY wip_view_refreshed, '[1]'",
          "NOTIFY wip_view_refreshed, '{\"schema\": \"public\", \"view\": 3}'",
          "NOTIFY wip_view_refreshed, '{\"schema\": \"public\", \"view\": \"x\", \"refresh_id\":"
              + " \"y\"}'",
          "NOTIFY wip_view_refreshed, '{\"schema\": \"other\", \"view\": \"x\", \"refresh_id\": 1,"
              + " \"rows\": 1, \"started_at\": \"2026-01-01T00:00:00Z\"}'");
      views.refresh(ORDERS);
      Refresh second = views.refresh(ORDERS);

      assertThat(heard.next())
          .isInstanceOfSatisfying(
              Notice.class, notice -> assertThat(notice.refreshId()).isEqualTo(second.id()));
    }
  }

  @Test
  void closing_ends_the_thread_and_gives_the_connection_back() throws Exception {
    try (Connection pooled = database.connect()) {
      Heard heard = new Heard(Unclosable.of(pooled));
      assertThat(heard.next()).isEqualTo("listening");
      heard.close();
      heard.close();

      assertThat(Thread.getAllStackTraces().keySet())
          .noneMatch(thread -> thread.getName().equals("wip-views-listener"));
      views.refresh(ORDERS);
      try (Statement statement = pooled.createStatement()) {
        statement.execute("SELECT 1");
      }
      assertThat(pooled.unwrap(PGConnection.class).getNotifications()).isNullOrEmpty();
    }
  }

  @Test
  void a_database_that_is_away_is_waited_for() throws Exception {
    PGSimpleDataSource away = (PGSimpleDataSource) database.dataSource();
    away.setDatabaseName("not_there_yet");
    try (Heard heard = new Heard(away)) {
      away.setDatabaseName(database.name());

      assertThat(heard.next()).isEqualTo("listening");
    }
  }
}
