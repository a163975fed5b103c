/**
 * How the command line prints: tables, figures, durations, colours and JSON. It knows neither the
 * commands nor the report.
 */
@NullMarked
package com.f2x.neurohub.wipviews.cli.output;

import org.jspecify.annotations.NullMarked;
