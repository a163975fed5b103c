package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.Optional;

/**
 * The version of this library that deployed a schema. An older one leaves alone what a newer one
 * made, as the changesets do by themselves where Liquibase alone runs them.
 */
final class Release {

  private static final String NEWER =
      """
      SELECT substring(p.prosrc, '[0-9.]+')
      FROM pg_proc AS p
      JOIN pg_namespace AS n ON n.oid = p.pronamespace
      WHERE n.nspname = ?::text AND p.proname = 'wip_view_release' AND p.pronargs = 0
        AND string_to_array(substring(p.prosrc, '[0-9.]+'), '.')::int4[] > string_to_array(?::text, '.')::int4[]
      """;

  private Release() {}

  /** Returns the version that is deployed, if it is newer than this one. */
  static Optional<String> newerIn(Target target) throws SQLException {
    return target.ask(
        db ->
            db.resultQuery(NEWER, target.schema(), ChangelogFiles.release())
                .fetchOptional(0, String.class));
  }
}
