package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.DeployListener;
import com.f2x.neurohub.wipviews.internal.Sources;
import com.f2x.neurohub.wipviews.internal.Target;
import java.util.List;

/** The recovery of views, from this jar or from what the registry knows. */
final class Recreation {

  private Recreation() {}

  /** Recreates views; all of them, if none is named. */
  static void run(Sessions sessions, List<String> names) {
    sessions.query(
        null,
        (connection, db) -> {
          if (!sessions.ownTransactions() && !connection.getAutoCommit()) {
            throw new WipViewsException(
                "views cannot be recreated in a caller's transaction: each is made in one of its"
                    + " own",
                null,
                null,
                "Call recreate on WipViews.of(dataSource), or on a connection that commits by"
                    + " itself.",
                null);
          }
          try {
            new Changelog(
                    Target.of(connection, sessions.schema()),
                    Sources.of(ChangelogFiles.ROOT),
                    DeployListener.NONE.withPromotions(
                        view ->
                            sessions.observer().begin(CallObserver.Operation.PROMOTE, view)::ended))
                .recreate(names, known -> UnknownViewException.unlessAmong(known, names));
          } catch (Exception e) {
            throw WipViewsException.of(null, e);
          }
          return names;
        });
  }
}
