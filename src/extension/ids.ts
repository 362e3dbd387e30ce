/** Everything that package.json and the code have to spell alike; a test holds the two together. */
export const Command = {
  connect: 'modelswitch.connect',
  signOut: 'modelswitch.signOut',
  createConfiguration: 'modelswitch.createConfiguration',
  refresh: 'modelswitch.refresh',
  showLog: 'modelswitch.showLog',
  filterFlags: 'modelswitch.filterFlags',
  clearFilter: 'modelswitch.clearFilter',
  loadMore: 'modelswitch.loadMore',
  revealFlag: 'modelswitch.revealFlag',
  copyKey: 'modelswitch.copyKey',
  openInUnleash: 'modelswitch.openInUnleash',
  startRelease: 'modelswitch.startRelease',
  repin: 'modelswitch.repin',
  promote: 'modelswitch.promote',
  setRollout: 'modelswitch.setRollout',
  setWeights: 'modelswitch.setWeights',
  safeDefault: 'modelswitch.safeDefault',
  rollBack: 'modelswitch.rollBack',
  killSwitch: 'modelswitch.killSwitch',
  enableEnvironment: 'modelswitch.enableEnvironment',
  disableEnvironment: 'modelswitch.disableEnvironment',
  showHistory: 'modelswitch.showHistory',
  restoreState: 'modelswitch.restoreState',
  restoreThisState: 'modelswitch.restoreThisState',
  whichModel: 'modelswitch.whichModel',
  setFrontendToken: 'modelswitch.setFrontendToken',
  finishKeepCandidate: 'modelswitch.finishKeepCandidate',
  finishKeepCurrent: 'modelswitch.finishKeepCurrent',
  archiveFlag: 'modelswitch.archiveFlag',
  retrain: 'modelswitch.retrain',
  refreshModels: 'modelswitch.refreshModels',
  filterModels: 'modelswitch.filterModels',
  clearModelFilter: 'modelswitch.clearModelFilter',
  loadMoreModels: 'modelswitch.loadMoreModels',
  showVersion: 'modelswitch.showVersion',
  compareVersions: 'modelswitch.compareVersions',
  showCodeChanges: 'modelswitch.showCodeChanges',
  openInRegistry: 'modelswitch.openInRegistry',
  moveAlias: 'modelswitch.moveAlias',
  runSuites: 'modelswitch.runSuites',
  runModelSuites: 'modelswitch.runModelSuites',
  newSuite: 'modelswitch.newSuite',
  registrySignIn: 'modelswitch.registrySignIn',
  registrySignOut: 'modelswitch.registrySignOut',
  showCallSites: 'modelswitch.showCallSites',
  openCallSite: 'modelswitch.openCallSite',
  createFlag: 'modelswitch.createFlag',
  openDashboard: 'modelswitch.openDashboard',
  refreshQuality: 'modelswitch.refreshQuality',
  prometheusSignIn: 'modelswitch.prometheusSignIn',
  prometheusSignOut: 'modelswitch.prometheusSignOut',
} as const;

/** Commands that only the extension itself calls, with arguments: they are not in the palette. */
export const INTERNAL_COMMANDS: readonly string[] = [Command.loadMore, Command.revealFlag, Command.restoreThisState, Command.loadMoreModels, Command.openCallSite];

export const View = { flags: 'modelswitch.flags', models: 'modelswitch.models' } as const;

export const ContextKey = {
  /** 'untrusted' | 'noUrl' | 'signedOut' | 'connecting' | 'failed' | 'connected' */
  connection: 'modelswitch.connection',
  /** 'untrusted' | 'none' | 'signedOut' | 'connecting' | 'failed' | 'connected' */
  registry: 'modelswitch.registry',
  filtered: 'modelswitch.filtered',
  modelsFiltered: 'modelswitch.modelsFiltered',
  writable: 'modelswitch.writable',
} as const;

export const Setting = {
  url: 'unleash.url',
  project: 'unleash.project',
  environment: 'unleash.environment',
  pollSeconds: 'pollSeconds',
  lens: 'lens.enabled',
  readOnly: 'readOnly',
  problems: 'problems.enabled',
  python: 'python.interpreter',
  recordSuites: 'suites.record',
} as const;

export const SETTINGS_SECTION = 'modelswitch';
