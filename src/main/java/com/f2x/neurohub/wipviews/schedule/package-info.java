/**
 * Refreshes on a schedule that any number of instances share: {@link
 * com.f2x.neurohub.wipviews.schedule.RefreshSchedule}.
 *
 * <p>Public. It is the only package that knows db-scheduler, an optional dependency.
 */
@NullMarked
package com.f2x.neurohub.wipviews.schedule;

import org.jspecify.annotations.NullMarked;
