package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What doctor finds. */
record Findings(boolean none, List<Row> rows, List<Tile> tiles) {

  /**
   * @param remedy statements, one a line; null if there is none
   */
  record Row(String check, String mood, String what, String why, @Nullable String remedy) {}

  static Findings of(List<Finding> findings) {
    return new Findings(
        findings.isEmpty(),
        findings.stream().map(Findings::row).toList(),
        findings.isEmpty()
            ? List.of()
            : List.of(Tile.of(findings.size(), "finding of doctor", "findings of doctor", "bad")));
  }

  private static Row row(Finding finding) {
    return new Row(
        finding.check(),
        finding.severity() == Severity.PROBLEM ? "bad" : "warn",
        Formats.sentence(
            (finding.subject() == null ? "" : finding.subject() + ": ") + finding.what()),
        finding.why(),
        finding.remedy().isEmpty() ? null : String.join("\n", finding.remedy()));
  }
}
