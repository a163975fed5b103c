package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.cli.Json.Blocked;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code wip-views blockers}. */
@Command(
    name = "blockers",
    description = "Show who waits for whom in the database, now, and how to end it.")
final class BlockersCommand implements Callable<Integer> {

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    List<Blocker> blockers = connection.views().blockers();
    Output output = format.output();
    if (format.isJson()) {
      output.json(blockers.stream().map(Blocked::of).toList());
    } else if (blockers.isEmpty()) {
      output.paragraph("Nobody waits for anybody.");
    } else {
      table(output, blockers);
    }
    return CommandLine.ExitCode.OK;
  }

  private static void table(Output output, List<Blocker> blockers) {
    Grid grid =
        output
            .grid()
            .left("PID")
            .wrapping("WHO")
            .right("FOR")
            .left("WAITS FOR")
            .wrapping("WHO")
            .left("STATE");
    for (Blocker blocker : blockers) {
      grid.row(
          blocker.blockedPid(),
          who(blocker.blockedRole(), blocker.blockedApplicationName()),
          Words.duration(blocker.blockedFor()),
          blocker.pid(),
          who(blocker.role(), blocker.applicationName()),
          blocker.state() == null ? "hidden" : blocker.state());
      grid.note(blocker.lockMode() + " on " + blocker.lockOn());
      if (blocker.blockedQuery() != null) {
        grid.note("waits: " + Output.brief(blocker.blockedQuery()));
      }
      if (blocker.query() != null) {
        grid.note("holds: " + Output.brief(blocker.query()) + age(blocker));
      }
      grid.note("end it: " + blocker.remedy());
    }
    output.print(grid);
    if (blockers.stream().anyMatch(Blocker::isHidden)) {
      output.line("");
      output.paragraph(
          "This is not all: your role may not see what the sessions of other roles do. GRANT"
              + " pg_read_all_stats TO it.");
    }
  }

  private static String who(String role, String application) {
    return (role == null ? Words.NONE : role)
        + (application == null || application.isEmpty() ? "" : " " + application);
  }

  private static String age(Blocker blocker) {
    return blocker.transactionAge() == null
        ? ""
        : " (a transaction of " + Words.duration(blocker.transactionAge()) + ")";
  }
}
