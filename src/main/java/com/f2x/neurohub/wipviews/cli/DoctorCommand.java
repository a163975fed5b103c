package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.RelationSize;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Json.Applied;
import com.f2x.neurohub.wipviews.cli.output.Json.Diagnosis;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.internal.SqlError;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code wip-views doctor}: the guide's troubleshooting, run.
 *
 * <p>As JSON, one object; every property is always present, possibly null, and stays from release
 * to release:
 *
 * <pre>{@code
 * {"healthy": false,
 *  "findings": [{"check": "mes-index", "severity": "problem" or "unknown", "subject": "lots" or null,
 *                "what": "…", "why": "…", "remedy": ["…;"], "safe": true}],
 *  "applied": [{"statement": "…;", "error": "…" or null}],
 *  "sizes": [{"name": "lots", "rows": 60, "dead_rows": 0, "bytes": 8192 or null}]}
 * }</pre>
 */
@Command(
    name = "doctor",
    description = {
      "Find what is wrong, and show what mends it. Without --fix nothing is changed.",
      "Exits 0 if all is well, 3 if something is wrong, 1 if it could not look everywhere."
    })
final class DoctorCommand implements Callable<Integer> {

  /**
   * A remedy that waits longer for a lock is given up, except a build that would be left half done.
   */
  private static final String LOCK_TIMEOUT = "10s";

  /** A finding that is left after this time is not due to late statistics. */
  private static final Duration STATISTICS = Duration.ofSeconds(2);

  @Option(
      names = "--fix",
      description =
          "Apply the remedies that are safe (analyze, vacuum, refresh, missing indexes, rights),"
              + " showing each, and look again.")
  private boolean fix;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() throws SQLException, InterruptedException {
    WipViews views = connection.views();
    Output output = format.output();
    List<Finding> findings = views.diagnose();
    List<Applied> applied = new ArrayList<>();
    List<Finding> safe = findings.stream().filter(Finding::safe).toList();
    if (fix && !safe.isEmpty()) {
      if (!format.isJson()) {
        print(output, findings);
        output.heading("Applying what is safe");
      }
      apply(safe, applied, output);
      findings = lookAgain(views, applied);
    }
    if (format.isJson()) {
      output.json(new Diagnosis(findings.isEmpty(), findings, applied, views.sizes()));
    } else {
      if (!applied.isEmpty()) {
        output.heading("Looking again");
      }
      print(output, findings);
      sizes(output, views.sizes());
    }
    return exitCode(output, findings);
  }

  /** Until PostgreSQL 15, statistics reach other sessions only after half a second. */
  private static List<Finding> lookAgain(WipViews views, List<Applied> applied)
      throws InterruptedException {
    Set<String> done =
        applied.stream()
            .filter(statement -> statement.error() == null)
            .map(Applied::statement)
            .collect(Collectors.toSet());
    long deadline = System.nanoTime() + STATISTICS.toNanos();
    List<Finding> left = views.diagnose();
    while (left.stream().anyMatch(finding -> done.containsAll(finding.remedy()) && finding.safe())
        && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(100);
      left = views.diagnose();
    }
    return left;
  }

  private static int exitCode(Output output, List<Finding> findings) {
    long problems =
        findings.stream().filter(finding -> finding.severity() == Severity.PROBLEM).count();
    long unknown = findings.size() - problems;
    if (problems > 0) {
      output.printError(Formats.count(problems, "problem") + ".");
      return WipViewsCommand.UNHEALTHY;
    } else if (unknown > 0) {
      output.printError(Formats.count(unknown, "check") + " could not look.");
      return CommandLine.ExitCode.SOFTWARE;
    }
    return CommandLine.ExitCode.OK;
  }

  private static void print(Output output, List<Finding> findings) {
    if (findings.isEmpty()) {
      output.line(output.good("All is well.").toString());
    }
    for (Finding finding : findings) {
      String subject = finding.subject() == null ? "" : finding.subject() + ": ";
      output.line(
          (finding.severity() == Severity.PROBLEM
                  ? output.bad("✗ " + finding.check())
                  : output.warning("? " + finding.check()))
              + (finding.safe() ? "  (--fix mends it)" : ""));
      output.indented(subject + finding.what());
      output.indented(finding.why());
      // as it is, however long: it is there to be copied
      finding.remedy().forEach(line -> output.line("    " + output.strong(line)));
    }
  }

  private void apply(List<Finding> safe, List<Applied> applied, Output output) throws SQLException {
    try (Connection session = connection.dataSource().getConnection();
        Statement statement = session.createStatement()) {
      for (String sql :
          safe.stream().flatMap(finding -> finding.remedy().stream()).distinct().toList()) {
        if (!format.isJson()) {
          // before it runs: who waits sees for what
          output.line("    " + output.strong(sql));
        }
        @Nullable String error = apply(statement, sql);
        if (error != null && !format.isJson()) {
          output.indented(output.bad("failed: ") + error);
        }
        applied.add(new Applied(sql, error));
      }
    }
  }

  private static @Nullable String apply(Statement statement, String sql) throws SQLException {
    statement.execute(
        "SET lock_timeout = '" + (sql.contains("CONCURRENTLY") ? "0" : LOCK_TIMEOUT) + "'");
    try {
      statement.execute(sql);
      return null;
    } catch (SQLException e) {
      SqlError error = SqlError.in(e);
      if (error.unavailable()) {
        throw e;
      }
      return error.message();
    }
  }

  private static void sizes(Output output, List<RelationSize> sizes) {
    output.line("");
    Grid grid = output.grid().wrapping("TABLE OR VIEW").right("ROWS").right("DEAD").right("SIZE");
    for (RelationSize size : sizes) {
      grid.row(
          size.name(),
          Formats.count(size.rows()),
          Formats.count(size.deadRows()),
          size.bytes() == null ? "locked" : Formats.size(size.bytes()));
    }
    output.print(grid);
  }
}
