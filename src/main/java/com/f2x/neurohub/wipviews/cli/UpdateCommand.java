package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.Progress;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.Target;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views update}. */
@Command(name = "update", description = "Deploy what is not deployed yet.")
final class UpdateCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(
      names = "--sql",
      description = "Print the SQL that would run, for psql, and change nothing.")
  private boolean sql;

  @ArgGroup private OptIns optIns = new OptIns();

  @Mixin private ConnectionOptions connection;
  @Mixin private ChangelogOption changelog;
  @Mixin private ParameterOptions parameters;

  @Override
  public Integer call() throws SQLException {
    Output output = new Output(spec.commandLine());
    WipViewsMigration migration =
        parameters.on(
            optIns.parameterNames(spec),
            connection,
            changelog,
            () -> changelog.on(optIns.on(connection.migration())));
    if (sql) {
      migration.updateSql(output.writer());
      return CommandLine.ExitCode.OK;
    }
    List<String> changes = migration.withProgress(new Progress(output)).update();
    output.paragraph(
        changes.isEmpty()
            ? "No changes to deploy to " + place() + "."
            : "Deployed to " + place() + ": " + String.join(", ", changes) + ".");
    return CommandLine.ExitCode.OK;
  }

  /** The schema and its database, in words. */
  private String place() throws SQLException {
    try (Connection database = connection.dataSource().getConnection()) {
      Target target = Target.of(database, connection.schema());
      return target.ask(
          db ->
              db.fetchSingle(
                      "SELECT format('schema %I of database %I', ?::text, current_database())",
                      target.schema())
                  .get(0, String.class));
    }
  }

  /** The changelogs that run only when they are named. */
  static final class OptIns {

    /** What a shell completes. */
    static final class Names extends ArrayList<String> {

      private static final long serialVersionUID = 1L;

      Names() {
        super(WipViewsMigration.optInNames());
      }
    }

    /** The same, after --only. */
    static final class NamesAlone extends ArrayList<String> {

      private static final long serialVersionUID = 1L;

      NamesAlone() {
        super(WipViewsMigration.optInNames());
        add(0, ChangelogFiles.ENGINE_NAME);
      }
    }

    @Option(
        names = "--with",
        paramLabel = "NAME",
        completionCandidates = Names.class,
        description =
            "Also an opt-in changelog: db-scheduler, the table of wip-views schedule; pg-cron,"
                + " which refreshes in the database (--param cronZone=ZONE: in the hours of the"
                + " factory). May be given several times.")
    private List<String> with = List.of();

    @Option(
        names = "--only",
        paramLabel = "PART",
        completionCandidates = NamesAlone.class,
        description =
            "Nothing but engine, for views of your own on a database without an MES; or an opt-in"
                + " changelog, in another database than the views.")
    private @Nullable String only;

    List<String> parameterNames(CommandSpec spec) {
      List<String> names = new ArrayList<>();
      if (only == null) {
        names.addAll(WipViewsMigration.parameterNames());
      }
      try {
        if (only != null) {
          names.addAll(WipViewsMigration.parameterNames(only));
        }
        for (String optIn : with) {
          if (!WipViewsMigration.optInNames().contains(optIn)) {
            throw new IllegalArgumentException(
                "unknown opt-in changelog "
                    + optIn
                    + "; there are "
                    + String.join(", ", WipViewsMigration.optInNames()));
          }
          names.addAll(WipViewsMigration.parameterNames(optIn));
        }
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), e.getMessage());
      }
      return names.stream().distinct().toList();
    }

    WipViewsMigration on(WipViewsMigration migration) {
      WipViewsMigration all = only == null ? migration : migration.only(only);
      for (String optIn : with) {
        all = all.with(optIn);
      }
      return all;
    }
  }
}
