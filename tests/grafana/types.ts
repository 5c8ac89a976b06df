// The form of a board as Grafana's own types describe it, for literals as JSON has them.
import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  GraphFieldConfig,
  OptionsWithLegend,
  OptionsWithTooltip,
  Panel,
  RowPanel,
  VariableModel,
} from "@grafana/schema";

/** A type whose enumerations are the texts that stand for them. */
export type Plain<T> = T extends string ? `${T}` : T extends (infer One)[] ? Plain<One>[] : T extends object ? { [Name in keyof T]: Plain<T[Name]> } : T;

// What Grafana's types leave open: the query of InfluxDB, and how fields of an annotation are found.
type Query = DataQuery & { query: string };
type Mapping = { source: "field"; value: string };
type Annotation = Omit<AnnotationQuery, "target"> & { target: Query; mappings: Record<string, Mapping> };
type Variable = Omit<VariableModel, "query" | "current"> & {
  query: string | { query: string; refId: string };
  definition?: string;
  current: { text: string | string[]; value: string | string[] };
};
type ShownPanel = Omit<Panel, "targets"> & { targets?: Query[] };
type Row = Omit<RowPanel, "panels"> & { panels: ShownPanel[] };

export type Board = Plain<
  Omit<Dashboard, "panels" | "annotations" | "templating"> & {
    panels: (ShownPanel | Row)[];
    annotations: { list: Annotation[] };
    templating: { list: Variable[] };
  }
>;
export type SeriesField = Plain<GraphFieldConfig>;
export type SeriesOptions = Plain<OptionsWithLegend & OptionsWithTooltip>;
