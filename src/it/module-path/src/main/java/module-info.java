/** Shows the open lots. */
module com.example.board {
  requires com.f2x.neurohub.wipviews;
  requires java.sql;
  requires org.jooq;

  exports com.example.board;
}
