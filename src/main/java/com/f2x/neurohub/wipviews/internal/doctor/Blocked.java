package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_BLOCKERS;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewBlockersRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A session that others wait for, now. Those that wait for one that waits itself are counted. */
final class Blocked implements Check {

  /** The server's own deadlock_timeout: below it, a wait is nothing but traffic. */
  private static final Duration WAIT = Duration.ofSeconds(1);

  /** Characters of a query that tell which it is. */
  private static final int QUERY = 120;

  @Override
  public String id() {
    return "blocked";
  }

  @Override
  public List<Fault> look(Site site) {
    List<WipViewBlockersRecord> waits =
        site.db().selectFrom(WIP_VIEW_BLOCKERS).fetch().stream()
            .filter(wait -> !isTurn(wait))
            .toList();
    Set<Integer> waiting =
        waits.stream().map(WipViewBlockersRecord::getBlockedPid).collect(Collectors.toSet());
    Map<Integer, List<WipViewBlockersRecord>> byBlocker = new LinkedHashMap<>();
    for (WipViewBlockersRecord wait : waits) {
      if (!waiting.contains(wait.getPid())
          && wait.getBlockedFor() != null
          && wait.getBlockedFor().compareTo(WAIT) >= 0) {
        byBlocker.computeIfAbsent(wait.getPid(), pid -> new ArrayList<>()).add(wait);
      }
    }
    List<Fault> faults = new ArrayList<>();
    byBlocker.forEach((pid, behind) -> faults.add(fault(behind, waiting.size())));
    return faults;
  }

  /** Who waits for an advisory lock of a session that is at work waits for its turn. */
  private static boolean isTurn(WipViewBlockersRecord wait) {
    return "advisory".equals(wait.getLockOn())
        && (wait.getState() == null || wait.getState().equals("active"));
  }

  private Fault fault(List<WipViewBlockersRecord> behind, int waiting) {
    WipViewBlockersRecord first = behind.get(0);
    return Fault.of(
        this,
        first.getLockOn(),
        session(first.getPid(), first.getRole(), first.getApplicationName())
            + " holds up "
            + session(
                first.getBlockedPid(), first.getBlockedRole(), first.getBlockedApplicationName())
            + (behind.size() > 1 ? " and " + (behind.size() - 1) + " more" : "")
            + ", for "
            + Durations.words(first.getBlockedFor())
            + " now",
        (first.getState() == null
                ? "What it does is hidden from this role"
                : "It is " + first.getState())
            + (first.getTransactionAge() == null
                ? ""
                : ", its transaction " + Durations.words(first.getTransactionAge()) + " old")
            + (first.getQuery() == null ? "" : ": " + brief(first.getQuery()))
            + (waiting > behind.size() ? ". " + waiting + " sessions wait in all." : "."),
        first.getRemedy());
  }

  private static String brief(String query) {
    String line = query.strip().replaceAll("\\s+", " ");
    return line.length() <= QUERY ? line : line.substring(0, QUERY) + "…";
  }

  private static String session(int pid, String role, String application) {
    return "pid "
        + pid
        + " ("
        + role
        + (application == null || application.isEmpty() ? "" : ", " + application)
        + ")";
  }
}
