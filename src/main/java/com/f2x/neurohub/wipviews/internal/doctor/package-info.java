/**
 * The checks of {@code wip-views doctor}. Not API: {@link
 * com.f2x.neurohub.wipviews.WipViews#diagnose()} is.
 */
package com.f2x.neurohub.wipviews.internal.doctor;
