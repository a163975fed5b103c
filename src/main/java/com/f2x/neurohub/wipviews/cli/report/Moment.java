package com.f2x.neurohub.wipviews.cli.report;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * When the page was written.
 *
 * @param instant for machines
 * @param minute for people
 * @param written to the second, with the zone
 */
record Moment(String instant, String minute, String zone, String written) {

  static Moment of(Instant now, ZoneId zone) {
    return new Moment(
        now.toString(),
        format("yyyy-MM-dd HH:mm", now, zone),
        format("zzz", now, zone),
        format("yyyy-MM-dd 'at' HH:mm:ss zzz", now, zone));
  }

  private static String format(String pattern, Instant time, ZoneId zone) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time.atZone(zone));
  }
}
