package com.f2x.neurohub.wipviews.internal.doctor;

import com.f2x.neurohub.wipviews.internal.SupportingIndex;
import java.util.List;

/**
 * An index of the MES that a refresh needs. The changelog says what will do, and how to build it.
 */
final class MesIndexes implements Check {

  @Override
  public String id() {
    return "mes-index";
  }

  @Override
  public List<Fault> look(Site site) {
    return SupportingIndex.all(site.schema()).stream()
        .filter(index -> isMissing(site, index))
        .map(
            index ->
                Fault.of(
                        this,
                        index.columns(),
                        "the MES has no valid index that begins so",
                        "Each refresh reads the whole table.",
                        index.build().toArray(String[]::new))
                    .thatIsSafe())
        .toList();
  }

  private static boolean isMissing(Site site, SupportingIndex index) {
    return index.wantedWhen().equals(site.db().fetchSingle(index.query()).get(0, String.class));
  }
}
