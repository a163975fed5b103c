package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.internal.ConstantNames;
import com.f2x.neurohub.wipviews.migration.Plan;
import com.f2x.neurohub.wipviews.migration.Plan.Action;
import com.f2x.neurohub.wipviews.migration.Plan.Change;
import com.f2x.neurohub.wipviews.migration.Plan.Changeset;
import com.f2x.neurohub.wipviews.migration.Plan.Column;
import com.f2x.neurohub.wipviews.migration.Plan.Dependant;
import com.f2x.neurohub.wipviews.migration.Plan.Fate;
import com.f2x.neurohub.wipviews.migration.Plan.Holder;
import com.f2x.neurohub.wipviews.migration.Plan.Refusal;
import com.f2x.neurohub.wipviews.migration.Plan.Rows;
import com.f2x.neurohub.wipviews.migration.Plan.View;
import java.util.List;
import java.util.stream.Collectors;

/** A plan, for people. */
public record PlanText(Output output) {

  public void print(Plan plan) {
    if (plan.hasNothingToDo()) {
      output.paragraph("Nothing to deploy.");
      return;
    }
    List<Changeset> run =
        plan.changesets().stream().filter(changeset -> changeset.notTried() == null).toList();
    if (!run.isEmpty()) {
      output.paragraph(
          "Would run: " + run.stream().map(Changeset::id).collect(Collectors.joining(", ")) + ".");
    }
    for (Changeset changeset : plan.changesets()) {
      if (changeset.notTried() != null) {
        output.paragraph(
            "Would run, not tried here: " + changeset.id() + " (" + changeset.notTried() + ").");
      }
    }
    plan.views().forEach(this::print);
    for (Refusal refusal : plan.refusals()) {
      output.line("");
      output.paragraph(
          output.bad("✗ refused")
              + (refusal.subject() == null ? ": " : ": " + refusal.subject() + ": ")
              + Formats.sentence(refusal.reason()));
      if (refusal.remedy() != null) {
        output.indented(Formats.sentence(refusal.remedy()));
      }
    }
  }

  private void print(View view) {
    output.heading(view.view());
    output.indented(action(view));
    if (view.rows() != null) {
      print(view.rows());
    }
    for (Change change : List.of(Change.ADDED, Change.DROPPED, Change.RETYPED, Change.MOVED)) {
      List<String> columns =
          view.columns().stream()
              .filter(column -> column.change() == change)
              .map(PlanText::spelled)
              .toList();
      if (!columns.isEmpty() && view.action() != Action.CREATE) {
        output.indented("columns " + ConstantNames.of(change) + ": " + String.join(", ", columns));
      }
    }
    differences(view, false);
    differences(view, true);
    dependants(view.dependants());
    if (view.lost() != null && !view.lost().isEmpty()) {
      output.line("  would be lost:");
      // as it is, however long: it is there to be copied
      view.lost().forEach(statement -> output.line("    " + statement + ";"));
    }
    for (Holder holder : view.holders()) {
      output.indented("would wait for " + holder.description() + ":");
      output.line("    " + holder.remedy() + ";");
    }
  }

  private static String action(View view) {
    String action =
        switch (view.action()) {
          case CREATE -> "new";
          case REPLACE -> "replaced";
          case BRING_BACK -> "gone; comes back with what the registry knows of it";
          case KEEP -> "stays as it is: it was deployed with a higher version";
          case DEFER ->
              "stays as it is: it is frozen, and gets the new definition when it is thawed";
        };
    if (view.buildTime() == null) {
      return action;
    }
    return action
        + ", built in "
        + Formats.duration(view.buildTime())
        + (view.refreshTime() == null
            ? ""
            : "; its last refreshes took " + Formats.duration(view.refreshTime()));
  }

  private void print(Rows rows) {
    if (rows.problem() != null) {
      output.indented("rows could not be compared: " + rows.problem());
    } else if (rows.live() == null) {
      output.indented(Formats.count(rows.built(), "row"));
    } else {
      output.indented(
          Formats.count(rows.live(), "row")
              + " now, "
              + Formats.count(rows.built())
              + " then"
              + (rows.key().isEmpty()
                  ? ", not compared: no unique key is in both"
                  : "; by "
                      + String.join(", ", rows.key())
                      + ": "
                      + Formats.count(rows.added())
                      + " new, "
                      + Formats.count(rows.removed())
                      + " gone, "
                      + Formats.count(rows.changed())
                      + " different"));
    }
  }

  private static String spelled(Column column) {
    return column.name()
        + switch (column.change()) {
          case ADDED -> " " + column.type();
          case DROPPED -> " " + column.typeWas();
          case RETYPED -> " " + column.typeWas() + " to " + column.type();
          case MOVED, KEPT -> "";
        };
  }

  private void differences(View view, boolean timeDependent) {
    String columns =
        view.columns().stream()
            .filter(column -> column.differingRows() > 0 && column.timeDependent() == timeDependent)
            .map(column -> column.name() + " (" + Formats.count(column.differingRows()) + ")")
            .collect(Collectors.joining(", "));
    if (!columns.isEmpty()) {
      output.indented(
          (timeDependent ? "different by the time alone, in " : "different in ") + columns);
    }
  }

  private void dependants(List<Dependant> dependants) {
    if (dependants.isEmpty()) {
      return;
    }
    Grid grid = output.grid().left("  FATE").wrapping("DEPENDANT");
    for (Dependant dependant : dependants) {
      String fate = "  " + ConstantNames.of(dependant.fate());
      grid.row(
          dependant.fate() == Fate.REFUSED ? output.bad(fate) : fate,
          dependant.kind() + " " + dependant.name());
    }
    output.print(grid);
  }
}
