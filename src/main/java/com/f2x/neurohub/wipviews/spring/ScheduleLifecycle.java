package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;

/**
 * Starts the schedule when every other bean is there and the service's Liquibase has deployed what
 * it needs, as {@link WipViewsDatabaseInitializationDetector} demands. Closes it while the pool
 * still gives connections, and waits for the refresh that is running.
 */
final class ScheduleLifecycle implements SmartLifecycle {

  private final RefreshSchedule schedule;
  private RefreshSchedule.@Nullable Running running;

  ScheduleLifecycle(RefreshSchedule schedule) {
    this.schedule = schedule;
  }

  @Override
  public synchronized void start() {
    running = schedule.start();
  }

  @Override
  public synchronized void stop() {
    if (running != null) {
      running.close();
      running = null;
    }
  }

  @Override
  public synchronized boolean isRunning() {
    return running != null;
  }
}
