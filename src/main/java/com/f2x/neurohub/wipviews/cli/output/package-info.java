/**
 * How the command line prints: tables, figures, durations, colours and JSON. It knows neither the
 * commands nor the report.
 */
package com.f2x.neurohub.wipviews.cli.output;
