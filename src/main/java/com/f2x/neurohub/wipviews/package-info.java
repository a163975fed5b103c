/**
 * The public API: {@link com.f2x.neurohub.wipviews.WipViews} refreshes and reads the registered
 * views; the records are what it returns, and every failure is a {@link
 * com.f2x.neurohub.wipviews.WipViewsException}.
 *
 * <p>The tables that it is called with are generated from the deployed database, into the package
 * {@code jooq}. It depends on that, on jOOQ, slf4j and the package {@code internal}, and on none of
 * the packages beside it.
 */
@NullMarked
package com.f2x.neurohub.wipviews;

import org.jspecify.annotations.NullMarked;
