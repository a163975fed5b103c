/**
 * Deploys the changelogs of the jar: {@link com.f2x.neurohub.wipviews.migration.WipViewsMigration}
 * updates, recreates and rolls back.
 *
 * <p>Public. It depends on the API and on the package {@code internal}, where Liquibase is run.
 */
@NullMarked
package com.f2x.neurohub.wipviews.migration;

import org.jspecify.annotations.NullMarked;
