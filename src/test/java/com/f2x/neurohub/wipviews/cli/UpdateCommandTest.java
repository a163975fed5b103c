package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What {@code wip-views update} says that it did. */
@Thorough
class UpdateCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final Cli cli = Cli.on(database);
  private final String place = "schema public of database " + database.name();

  @Test
  void what_was_gone_and_is_made_again_is_named() throws Exception {
    database.execute(
        "DROP FUNCTION wip_view_promote", "DELETE FROM wip_view WHERE view_name ~ 'queue'");

    assertThat(cli.run("update").out().replaceAll("\\s+", " "))
        .contains("Deployed to " + place + ": promote, mv_process_wip_queue.");
    assertThat(cli.run("update").outLines())
        .containsExactly("No changes to deploy to " + place + ".");
  }

  @Test
  void a_parameter_that_sets_something_is_named_once() {
    String[] update = {"update", "--param", "historyRetention=3 days"};

    assertThat(cli.run(update).outLines()).containsExactly("Deployed to " + place + ": settings.");
    assertThat(cli.run(update).outLines())
        .containsExactly("No changes to deploy to " + place + ".");
    assertThat(cli.run("update").outLines())
        .containsExactly("No changes to deploy to " + place + ".");
  }
}
