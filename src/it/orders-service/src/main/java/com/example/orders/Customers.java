package com.example.orders;

import static com.example.orders.jooq.Tables.MV_CUSTOMERS;

import com.example.orders.jooq.tables.records.MvCustomersRecord;
import com.f2x.neurohub.wipviews.WipViews;
import java.time.Duration;
import java.util.List;

/** The customers of the service, with figures that are at most a minute old. */
public class Customers {

  private final WipViews views;

  public Customers(WipViews views) {
    this.views = views;
  }

  public List<MvCustomersRecord> all() {
    views.refreshIfOlderThan(MV_CUSTOMERS, Duration.ofMinutes(1));
    return views.rows(MV_CUSTOMERS);
  }
}
