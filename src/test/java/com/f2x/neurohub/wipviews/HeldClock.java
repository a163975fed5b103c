package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** What a view says at a moment: its own definition, as the server has it, with the clock held. */
final class HeldClock {

  private HeldClock() {}

  /**
   * Reads the rows of a view.
   *
   * @param by the column that orders them
   * @param moment the time, as SQL
   */
  static List<Map<String, Object>> rows(
      Connection connection, String view, String by, String moment) throws SQLException {
    String definition =
        (String)
            ExpectedFigures.rows(
                    connection,
                    "SELECT rtrim(pg_get_viewdef('" + view + "'::regclass), ';') AS definition")
                .get(0)
                .get("definition");
    assertThat(definition).contains("clock_timestamp()");
    String held = definition.replace("clock_timestamp()", moment).replace("now()", moment);
    assertThat(held).doesNotContain("now(").doesNotContain("current_timestamp");
    return ExpectedFigures.rows(connection, "SELECT * FROM (" + held + ") AS held ORDER BY " + by);
  }
}
