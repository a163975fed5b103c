/**
 * Runs the checks that the database has, and adds what only the files of the jar can tell. Not API:
 * {@link com.f2x.neurohub.wipviews.WipViews#diagnose()} is.
 */
@NullMarked
package com.f2x.neurohub.wipviews.internal.doctor;

import org.jspecify.annotations.NullMarked;
