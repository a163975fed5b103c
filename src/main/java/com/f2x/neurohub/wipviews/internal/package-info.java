/**
 * What the public packages have in common: running Liquibase, changelogs and their entries, shared
 * calls, errors of the server, time limits. Not API: it changes from release to release.
 *
 * <p>It depends on no other package but {@code jooq}.
 */
@NullMarked
package com.f2x.neurohub.wipviews.internal;

import org.jspecify.annotations.NullMarked;
