package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code wip-views blockers}. */
@Command(
    name = "blockers",
    description = "Show which session waits for which in the database, now, and how to end it.")
final class BlockersCommand implements Callable<Integer> {

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    List<Blocker> blockers = connection.views().blockers();
    Output output = format.output();
    if (format.isJson()) {
      output.json(blockers);
    } else if (blockers.isEmpty()) {
      output.paragraph("No session waits for another.");
    } else {
      table(output, blockers);
    }
    return CommandLine.ExitCode.OK;
  }

  private static void table(Output output, List<Blocker> blockers) {
    Grid grid =
        output
            .grid()
            .right("PID")
            .right("WAITS")
            .left("FOR")
            .wrapping("ON")
            .right("HELD BY")
            .left("WHICH IS");
    for (Blocker blocker : blockers) {
      grid.row(
          blocker.blockedPid(),
          Formats.duration(blocker.blockedFor()),
          blocker.lockMode(),
          blocker.lockOn(),
          blocker.pid() == 0 ? Formats.NONE : blocker.pid(),
          blocker.pid() == 0 ? "prepared" : blocker.state() == null ? "hidden" : blocker.state());
      grid.note(
          session(
              blocker.blockedPid(),
              blocker.blockedRole(),
              blocker.blockedApplicationName(),
              blocker.blockedQuery()));
      if (blocker.pid() != 0) {
        grid.note(
            session(blocker.pid(), blocker.role(), blocker.applicationName(), blocker.query())
                + (blocker.transactionAge() == null
                    ? ""
                    : ", in a transaction of " + Formats.duration(blocker.transactionAge())));
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

  private static String session(
      int pid, @Nullable String role, @Nullable String application, @Nullable String query) {
    return pid
        + " "
        + (role == null ? "(the server itself)" : role)
        + (application == null || application.isEmpty() ? "" : ", " + application)
        + ": "
        + (query == null ? "(hidden)" : Output.brief(query));
  }
}
