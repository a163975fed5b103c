package com.example.board;

import com.f2x.neurohub.wipviews.WipViews;
import javax.sql.DataSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** A service on Spring Boot 3, which declares the bean itself. */
@SpringBootApplication
public class Board {

  public static void main(String[] args) {
    SpringApplication.run(Board.class, args);
  }

  @Bean
  WipViews wipViews(DataSource dataSource) {
    return WipViews.of(dataSource);
  }
}
