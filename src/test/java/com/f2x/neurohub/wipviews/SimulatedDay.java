package com.f2x.neurohub.wipviews;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Production through the code paths of an MES, step by step. It knows where each unit really is,
 * which no table of the MES says.
 */
final class SimulatedDay {

  private static final Duration STEP = Duration.ofMinutes(5);
  private static final int STATIONS = 6;
  private static final int[] UNITS_AT_ONCE = {4, 4, 3, 3, 2, 2};

  /** A unit, on the floor. */
  private static final class Unit {
    final long id;
    final int lot;
    final boolean byTablet;
    int passed;
    int heldAt;
    int runningAt;
    Instant runningSince;
    boolean begun;
    boolean failed;
    boolean serial;

    Unit(long id, int lot, boolean byTablet) {
      this.id = id;
      this.lot = lot;
      this.byTablet = byTablet;
    }

    boolean done() {
      return passed == STATIONS;
    }
  }

  private final MesForm form;
  private final Connection mes;
  private final Random random;
  private final int lots;
  private final int unitsPerLot;
  private final List<Unit> units = new ArrayList<>();
  private int switchedOff;
  private Instant now;

  SimulatedDay(MesForm form, Connection mes, Random random, int lots, int unitsPerLot) {
    this.form = form;
    this.mes = mes;
    this.random = random;
    this.lots = lots;
    this.unitsPerLot = unitsPerLot;
  }

  Instant now() {
    return now;
  }

  /** Plans the lots of the day. */
  void begin(Instant at) throws SQLException {
    now = at;
    for (int lot = 1; lot <= lots; lot++) {
      MesForm.run(
          mes,
          "INSERT INTO lots (lot_number, product_model_id, production_date, target_quantity,"
              + " created_at) VALUES (?, 1, '2026-03-02', ?, ?)",
          "KR01PSA2603%02d".formatted(lot),
          unitsPerLot,
          at);
      for (int sequence = 1; sequence <= unitsPerLot; sequence++) {
        units.add(new Unit(units.size() + 1, lot, chance(0.4)));
        MesForm.run(
            mes,
            "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, created_at)"
                + " VALUES (?, ?, ?, ?)",
            "WIP-" + units.size(),
            lot,
            sequence,
            at.plusMillis(units.size()));
      }
    }
  }

  /** Produces until then. */
  void until(Instant then) throws SQLException {
    while (now.isBefore(then)) {
      now = now.plus(STEP);
      for (int station = STATIONS; station >= 1; station--) {
        work(station);
      }
      printLabels();
      settleLots();
    }
  }

  private void work(int station) throws SQLException {
    int free = UNITS_AT_ONCE[station - 1];
    for (Unit unit : units) {
      if (unit.runningAt == station) {
        if (chance(0.6)) {
          end(unit);
        }
        free--;
      }
    }
    if (station == switchedOff) {
      return;
    }
    for (Unit unit : units) {
      // some wait for long, whatever comes after them
      if (free > 0 && unit.runningAt == 0 && station(unit) == station && chance(0.8)) {
        start(unit, station);
        free--;
      }
    }
  }

  private void start(Unit unit, int station) throws SQLException {
    unit.runningAt = station;
    unit.runningSince = now.minusSeconds(60 + random.nextInt(200));
    MesForm.run(
        mes,
        "UPDATE lots SET status = 'IN_PROGRESS' WHERE id = ? AND status = 'CREATED'",
        unit.lot);
    unit.begun |= form.code().start(mes, unit.id, station, unit.byTablet, unit.runningSince);
  }

  private void end(Unit unit) throws SQLException {
    String result =
        unit.failed && form != MesForm.NEWEST && chance(0.5)
            ? "REWORK"
            : chance(0.1) ? "FAIL" : "PASS";
    Instant to = unit.runningSince.plusSeconds(20 + random.nextInt(40));
    if (form.code()
        .end(mes, unit.id, unit.runningAt, unit.byTablet, result, unit.runningSince, to)) {
      unit.begun = true;
      unit.failed = result.equals("FAIL");
      unit.passed = result.equals("PASS") ? unit.runningAt : unit.passed;
      unit.heldAt = result.equals("PASS") ? 0 : unit.runningAt;
    }
    unit.runningAt = 0;
  }

  private void printLabels() throws SQLException {
    for (Unit unit : units) {
      if (unit.done() && !unit.serial && chance(0.05)) {
        form.code().serial(mes, unit.id, now);
        unit.serial = true;
      }
    }
  }

  private void settleLots() throws SQLException {
    for (int lot = 1; lot <= lots; lot++) {
      int number = lot;
      if (units.stream().filter(unit -> unit.lot == number).allMatch(Unit::done)) {
        MesForm.run(
            mes,
            "UPDATE lots SET status = 'COMPLETED', closed_at = ? WHERE id = ? AND status ="
                + " 'IN_PROGRESS'",
            now,
            lot);
      }
    }
  }

  /** Closes a lot with whatever is in it, as one may. */
  void close(int lot) throws SQLException {
    MesForm.run(mes, "UPDATE lots SET status = 'CLOSED', closed_at = ? WHERE id = ?", now, lot);
  }

  /** Switches one station off and all others on, between two executions. */
  void switchOff(int station) throws SQLException {
    for (Unit unit : units) {
      if (unit.runningAt > 0) {
        end(unit);
      }
    }
    switchedOff = station;
    MesForm.run(mes, "UPDATE processes SET is_active = process_number <> ?", station);
  }

  /** The station that has a unit, or is to have it next; 0 after the last. */
  private int station(Unit unit) {
    if (unit.runningAt > 0) {
      return unit.runningAt;
    }
    if (unit.heldAt > 0) {
      return unit.heldAt;
    }
    int next = unit.passed + 1 == switchedOff ? unit.passed + 2 : unit.passed + 1;
    return next <= STATIONS ? next : 0;
  }

  /** Units that the MES knows to have begun, by the active station that has them or is to. */
  Map<Integer, Long> atStations() {
    return units.stream()
        .filter(unit -> unit.begun && station(unit) > 0 && station(unit) != switchedOff)
        .collect(Collectors.groupingBy(this::station, TreeMap::new, Collectors.counting()));
  }

  /** Units that failed and were not mended yet. */
  long failed() {
    return units.stream().filter(unit -> unit.failed).count();
  }

  private boolean chance(double of) {
    return random.nextDouble() < of;
  }
}
