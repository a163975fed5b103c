package com.f2x.neurohub.wipviews.internal.doctor;

import com.f2x.neurohub.wipviews.internal.MissingObjects;
import java.util.List;

/** Tables, views or routines that a deploy makes and somebody dropped; or it was an older one. */
final class Incomplete implements Check {

  @Override
  public String id() {
    return "incomplete";
  }

  @Override
  public List<Fault> look(Site site) {
    List<String> missing = MissingObjects.in(site.db(), site.schema());
    return missing.isEmpty()
        ? List.of()
        : List.of(
            Fault.of(
                this,
                null,
                "what a deploy makes is missing: " + String.join(", ", missing),
                "Whatever uses it fails, and update does not make again what it made once.",
                site.command("recreate")));
  }
}
