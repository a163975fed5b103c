package com.f2x.neurohub.wipviews.internal;

import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * The checks of the changelogs, before Liquibase makes its own tables: where it may not, its error
 * would say nothing of what is missing.
 */
final class Preflight {

  private Preflight() {}

  static void check(LiquibaseRun run) throws Exception {
    Target target = run.target();
    List<String> files = new ArrayList<>();
    if (run.has("preflight")) {
      files.add("wip/preflight.sql");
    }
    if (run.has("engine-preflight")) {
      files.add("engine/preflight.sql");
    } else if (run.sources().service() != null && !MissingObjects.isDeployed(target)) {
      throw new Refusal(
          "wip-views is not deployed in schema " + target.schema(),
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Deploy it first, or include com/f2x/neurohub/wipviews/changelog/engine.changelog.yaml.");
    }
    target.ask(
        db -> {
          try (Statement statement = target.connection().createStatement()) {
            for (String file : files) {
              statement.execute(
                  run.changelog()
                      .getChangeLogParameters()
                      .expandExpressions(ChangelogFiles.text(file), run.changelog()));
            }
            return files;
          }
        });
  }
}
