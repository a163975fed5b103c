/**
 * Micrometer meters of the views: {@link com.f2x.neurohub.wipviews.metrics.WipViewsMetrics}. The
 * resources of the package are the alert rules for Prometheus and the Grafana dashboard.
 *
 * <p>Public. With the package {@code spring} it is the only one that knows Micrometer, an optional
 * dependency.
 */
@NullMarked
package com.f2x.neurohub.wipviews.metrics;

import org.jspecify.annotations.NullMarked;
