package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import java.util.List;
import org.jooq.Table;

/** Views by the names that somebody typed, of which the generated code may know nothing. */
final class ViewNames {

  private ViewNames() {}

  /**
   * Finds the registered views of these names, in refresh order, before anything is done with the
   * first of them.
   *
   * @param names names; none for all views
   * @throws com.f2x.neurohub.wipviews.UnknownViewException if a name is not registered
   */
  static List<Table<?>> existing(WipViews views, List<String> names) {
    List<String> registered = views.freshness().stream().map(Freshness::view).toList();
    for (String name : names) {
      if (!registered.contains(name)) {
        views.freshness(WipViews.view(name));
      }
    }
    return registered.stream()
        .filter(view -> names.isEmpty() || names.contains(view))
        .<Table<?>>map(WipViews::view)
        .toList();
  }
}
